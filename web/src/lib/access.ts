import type { Schemas } from "./api";
import { i18n } from "./i18n.svelte";
import type { TextKey } from "./texts";

export type Account = Schemas["AccountView"];
export type Grant = Schemas["Grant"];
export type Role = Grant["role"];

/** Roles that people are given, from the one that permits least. */
export const ROLES = ["viewer", "operator", "engineer", "supervisor", "auditor", "admin"] as const satisfies readonly Role[];

export const roleText = (role: Role): string => i18n.t(`role_${role}` as TextKey);

/** A grant in words: what, and where. */
export function grantText(grant: Grant): string {
  return grant.zones.includes("*") ? roleText(grant.role) : `${roleText(grant.role)} (${grant.zones.join(" ")})`;
}

/** All grants in words. */
export const grantsText = (grants: readonly Grant[]): string => i18n.list(grants.map(grantText)) || "–";

export const permissionText = (permission: string): string => i18n.t(`perm_${permission}` as TextKey);

/** A refusal of the service in the language of the page. */
export function wordsOf(error: unknown): string {
  const [zh = "", ...en] = (error instanceof Error ? error.message : String(error)).split(" / ");
  return i18n.pick({ zh, en: en.join(" / ") });
}

/** Zones as somebody types them: codes with commas or spaces between; nothing is the whole building. */
export function zonesOf(text: string): string[] {
  const found = text.split(/[\s,、，]+/).filter(Boolean);
  return found.length > 0 ? found : ["*"];
}
