import { describe, expect, it } from "vitest";
import type { Point } from "../api";
import type { Equipment } from "../model.svelte";
import { chosenBy, rowsOf, valuesOf, type Choice } from "./choosing";

const point = (name: string, zh: string, device: string, address: string): Point =>
  ({
    name, text: { zh, en: "" }, equipment: name.slice(0, name.lastIndexOf(".")), equipment_text: { zh: "冰水主機", en: "Chiller" },
    equipment_class: "Centrifugal_Chiller", system: "hvac", device, address, unit: "°C",
  }) as unknown as Point;
const POINTS = [point("TCH.B2.CN.CHC01.CHWS_T", "冰水出水溫度", "chc01", "input:100"), point("TCH.B2.CN.CHC02.CHWS_T", "冰水出水溫度", "chc02", "input:100")];
const ROWS = rowsOf(POINTS, () => ({ floor: "B2" }) as Equipment);
const ALL: Choice = { words: "", system: "", floor: "", equipmentClass: "", device: "", quality: "" };
const names = (choice: Partial<Choice>): string[] => chosenBy(ROWS, { ...ALL, ...choice }).map((row) => row.point.device);

describe("points", () => {
  it("are found by any words of their names, texts, devices and addresses", () => {
    expect(names({ words: "出水 chiller" })).toEqual(["chc01", "chc02"]);
    expect(names({ words: "INPUT:100 chc02" })).toEqual(["chc02"]);
    expect(names({ words: "回水" })).toEqual([]);
  });
  it("are narrowed down by where they are and what serves them", () => {
    expect(names({ floor: "B2", device: "chc01" })).toEqual(["chc01"]);
    expect(names({ system: "power" })).toEqual([]);
  });
  it("offer what can be chosen, each once", () => {
    expect(valuesOf(ROWS, (row) => row.floor)).toEqual(["B2"]);
  });
});
