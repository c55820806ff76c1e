const STORED = "cityhall.operator";

/** Who sits at this console. */
class Operator {
  name = $state(localStorage.getItem(STORED) ?? "");

  keep(): void {
    localStorage.setItem(STORED, this.name.trim());
  }
}

export const operator = new Operator();
