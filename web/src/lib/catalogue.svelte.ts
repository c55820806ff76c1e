import { allPoints, type Point } from "./api";

/** Every point of the building, asked for once by the pages that list or choose among all of them. */
class Catalogue {
  points = $state.raw<readonly Point[]>([]);
  refusal = $state("");
  byName = $derived(new Map(this.points.map((point) => [point.name, point])));
  private asked = false;

  /** Ask, unless it was asked already. */
  load(): void {
    if (this.asked) return;
    this.asked = true;
    allPoints().then(
      (points) => {
        this.points = points;
        this.refusal = "";
      },
      (error: unknown) => {
        this.asked = false;
        this.refusal = error instanceof Error ? error.message : String(error);
      },
    );
  }
}

export const catalogue = new Catalogue();
