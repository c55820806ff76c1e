import { i18n } from "./i18n.svelte";
import { EVENTS } from "./texts/events";

/** What happened, in words; an event that has none yet by its name. */
export function eventName(type: string): string {
  const text = (EVENTS as Record<string, { zh: string; en: string } | undefined>)[type];
  return text ? i18n.pick(text) : type;
}
