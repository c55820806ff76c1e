/** Limits as rules in force hold them: `{ high = "90 %", very_high = "95 %" }`. */

/** Numbers of a rule's parameters by name; what is no number is left out. */
export function limitsOf(definition: Record<string, unknown> | null | undefined): Record<string, number> {
  const parameters = definition?.parameters;
  if (typeof parameters !== "object" || parameters === null) return {};
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, text]) => {
      const number = Number.parseFloat(String(text));
      return Number.isNaN(number) ? [] : [[name, number]];
    }),
  );
}
