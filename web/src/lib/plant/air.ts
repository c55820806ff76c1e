/** What a room's air stands for at a glance: present values beside the legal means. */

/** Roles of a node in the order of the page; those with a legal limit have one in the service's answer. */
export const AIR_ROLES = ["CO2", "PM25", "PM10", "HCHO", "TVOC", "CO", "T", "RH"] as const;

/** Digits by which each is read: as its limit has them, the temperature to a tenth. */
export const AIR_DIGITS: Record<(typeof AIR_ROLES)[number], number> = {
  CO2: 0, PM25: 0, PM10: 0, HCHO: 3, TVOC: 2, CO: 1, T: 1, RH: 0,
};

/** How people write a role. */
export const AIR_NAMES: Record<(typeof AIR_ROLES)[number], string> = {
  CO2: "CO₂", PM25: "PM2.5", PM10: "PM10", HCHO: "HCHO", TVOC: "TVOC", CO: "CO", T: "T", RH: "RH",
};

export type Standing = "inside" | "exceeded" | "unknown";

/** The worst of several: exceeded, else unknown, else inside. */
export const worstOf = (all: readonly Standing[]): Standing =>
  all.includes("exceeded") ? "exceeded" : all.includes("unknown") || all.length === 0 ? "unknown" : "inside";
