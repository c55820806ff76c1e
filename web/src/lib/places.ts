/** The floor, and the zone of the floor, of equipment, of a point or of a place: `05` and `05.W` of `TCH.05.W.AHU01`. */
export function placesOf(name: string): string[] {
  const parts = name.split(".");
  const [floor, zone] = parts.length >= 4 ? parts.slice(1, 3) : parts;
  return floor ? (zone ? [floor, `${floor}.${zone}`] : [floor]) : [];
}
