import { get, put, remove, type Schemas } from "../api";
import type { Conflict, Exception, Fields, Schedule } from "./model";

const CHECK_AFTER_MS = 350;

type Trial = Schemas["Trial"];

const copy = (fields: Fields): Fields => JSON.parse(JSON.stringify(fields)) as Fields;
const same = (one: Fields, other: Fields): boolean => JSON.stringify(one) === JSON.stringify(other);
const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A schedule without hours and targets. */
const blank = (): Fields => ({
  text_zh: "", text_en: "", targets: { points: [], roles: [], classes: [], places: [], scene: "" },
  weekly: [[], [], [], [], [], [], []], exceptions: [], default: null, calendar: "", valid_from: null, valid_until: null,
  enabled: true, optimum_start: null,
});

/** One schedule as somebody is changing it: checked by the service while they do, and saved when they say so. */
export class Draft {
  name = $state("");
  /** As it counts; none while it is a new one. */
  kept = $state.raw<Schedule>();
  fields = $state<Fields>(blank());
  reason = $state("");
  trial = $state.raw<Trial>();
  problem = $state("");
  saved = $state(false);
  busy = $state(false);

  readonly isNew = $derived(!this.kept);
  readonly changed = $derived(this.kept ? !same(this.fields, this.kept.definition) : this.fields.targets.points.length + this.fields.targets.roles.length > 0 || this.fields.targets.scene !== "");
  readonly conflicts = $derived<Conflict[]>(this.changed ? (this.trial?.conflicts ?? []) : (this.kept?.conflicts ?? []));
  readonly blocked = $derived(this.conflicts.some((conflict) => conflict.severity === "problem"));

  open(schedule: Schedule): void {
    this.name = schedule.name;
    this.kept = schedule;
    this.discard();
  }

  /** The service told it again: nothing that somebody is changing is lost. */
  refresh(schedule: Schedule): void {
    if (schedule.version === this.kept?.version) this.kept = schedule;
    else if (this.kept && !this.changed) this.open(schedule);
  }

  begin(): void {
    this.name = "";
    this.kept = undefined;
    this.discard();
  }

  discard(): void {
    this.fields = this.kept ? copy(this.kept.definition) : blank();
    this.reason = "";
    this.trial = undefined;
    this.problem = "";
    this.saved = false;
  }

  addException(exception: Exception): void {
    this.fields.exceptions = [...this.fields.exceptions, exception];
  }

  /** Ask, a moment after the last change, what speaks against it. For a component's own script. */
  watch(): void {
    $effect(() => {
      const body = JSON.stringify(this.fields);
      const name = this.name;
      if (!this.changed || !/^[A-Z0-9][A-Z0-9-]*$/.test(name)) return;
      let wanted = true;
      const timer = setTimeout(() => {
        put<Schemas["SavedSchedule"]>(`/schedules/${name}?dry_run=true`, JSON.parse(body) as object).then(
          ({ trial }) => wanted && ([this.trial, this.problem] = [trial, ""]),
          (error: unknown) => wanted && ([this.trial, this.problem] = [undefined, why(error)]),
        );
      }, CHECK_AFTER_MS);
      return () => {
        wanted = false;
        clearTimeout(timer);
      };
    });
  }

  async save(): Promise<boolean> {
    return this.act(async () => {
      const body = { ...$state.snapshot(this.fields), reason: this.reason.trim() };
      const version = { "If-Match": `"${this.kept?.version ?? 0}"` };
      const { schedule } = await put<Schemas["SavedSchedule"]>(`/schedules/${this.name}`, body, version);
      if (schedule) this.open(schedule);
    });
  }

  /** Take back what people said of it: it is gone, or as the site folder has it. */
  async remove(): Promise<boolean> {
    const kept = this.kept;
    if (!kept) return false;
    return this.act(async () => {
      await remove(`/schedules/${kept.name}`, { "If-Match": `"${kept.version}"` });
      if (kept.from_site) this.open(await get<Schedule>(`/schedules/${kept.name}`));
      else this.begin();
    });
  }

  private async act(what: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.problem = "";
    try {
      await what();
      this.saved = true;
      return true;
    } catch (error) {
      this.problem = why(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
