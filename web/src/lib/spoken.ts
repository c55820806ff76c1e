import { i18n } from "./i18n.svelte";

/** What the service says in both languages at once, `中文 / English`, in the language of the page. */
export function spoken(text: string): string {
  const place = text.indexOf(" / ");
  if (place < 0) return text;
  return i18n.language === "zh" ? text.slice(0, place) : text.slice(place + 3);
}

export const spokenError = (error: unknown): string => spoken(error instanceof Error ? error.message : String(error));
