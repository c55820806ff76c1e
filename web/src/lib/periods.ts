/** Periods as people write them: `2026`, `2026H1`, `2026-06`. The service reads ROC years too. */

/** Year, half-year and month of a moment in a zone. */
export function periodsAt(at: number, timeZone: string): { year: string; half: string; month: string; lastMonth: string } {
  const [year = 0, month = 1] = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", timeZone })
    .format(new Date(at))
    .split("-")
    .map(Number);
  const two = (number: number): string => String(number).padStart(2, "0");
  const before = month === 1 ? `${year - 1}-12` : `${year}-${two(month - 1)}`;
  return { year: `${year}`, half: `${year}H${month <= 6 ? 1 : 2}`, month: `${year}-${two(month)}`, lastMonth: before };
}
