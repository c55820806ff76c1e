import { TEXTS, type Language, type TextKey } from "./texts";

const STORED = "cityhall.language";

/** The language of the page, and everything whose form depends on it. Times are in the building's zone. */
class I18n {
  language = $state<Language>(localStorage.getItem(STORED) === "en" ? "en" : "zh");
  timeZone = $state("Asia/Taipei");

  constructor() {
    this.tellBrowser();
  }

  private locale = $derived(this.language === "zh" ? "zh-TW" : "en-GB");
  private clock = $derived(
    new Intl.DateTimeFormat(this.locale, { timeStyle: "medium", hourCycle: "h23", timeZone: this.timeZone }),
  );
  private date = $derived(
    new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeZone: this.timeZone }),
  );

  private day = $derived(
    new Intl.DateTimeFormat(this.locale, { month: "2-digit", day: "2-digit", timeZone: this.timeZone }),
  );

  t(key: TextKey, values: Record<string, string | number> = {}): string {
    return TEXTS[key][this.language].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
  }

  /** Things one after another, as the language does. */
  list(items: readonly string[]): string {
    return items.join(this.language === "zh" ? "、" : ", ");
  }

  /** Pick the text of the language; the other one where it is missing. */
  pick(text: { zh: string; en: string }): string {
    return text[this.language] || text.zh || text.en;
  }

  time(at: string | number | null | undefined): string {
    return at === null || at === undefined ? "–" : this.clock.format(new Date(at));
  }

  dateTime(at: string | number): string {
    return `${this.date.format(new Date(at))} ${this.time(at)}`;
  }

  /** A time of today; with its day when it was another. */
  moment(at: string | number | null | undefined, now: number): string {
    if (at === null || at === undefined) return "–";
    const day = this.day.format(new Date(at));
    return day === this.day.format(new Date(now)) ? this.time(at) : `${day} ${this.time(at)}`;
  }

  /** For how long, in its two largest units. */
  span(ms: number): string {
    const s = Math.max(0, Math.floor(ms / 1_000));
    const parts = [
      ["span_d", Math.floor(s / 86_400)],
      ["span_h", Math.floor((s % 86_400) / 3_600)],
      ["span_min", Math.floor((s % 3_600) / 60)],
      ["span_s", s % 60],
    ] as const;
    const first = parts.findIndex(([, n]) => n > 0);
    const told = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2).filter(([, n]) => n > 0);
    return told.map(([key, n]) => this.t(key, { n })).join(" ");
  }

  number(value: number, digits: number): string {
    return value.toLocaleString(this.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  toggle(): void {
    this.language = this.language === "zh" ? "en" : "zh";
    localStorage.setItem(STORED, this.language);
    this.tellBrowser();
  }

  private tellBrowser(): void {
    document.documentElement.lang = this.language === "zh" ? "zh-Hant-TW" : "en";
  }
}

export const i18n = new I18n();
