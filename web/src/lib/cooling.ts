/** Heat that water carries: 4.186 kJ/(kg·K) × 1,000 kg/m³ ÷ 3,600 s/h, in kW per m³/h and K. */
const KW_PER_FLOW_KELVIN = 1.163;
/** A ton of refrigeration in kW (12,000 BTU/h). */
export const KW_PER_TON = 3.517;

/** Cooling of a water flow (m³/h) that comes back at one temperature and leaves at another (°C), kW. */
export const coolingKw = (flow: number, returned: number, supplied: number): number =>
  KW_PER_FLOW_KELVIN * flow * (returned - supplied);

/** Electric power per ton of cooling, kW/RT; null where there is too little cooling to tell. */
export const kwPerTon = (powerKw: number, cooledKw: number): number | null =>
  cooledKw > KW_PER_TON ? (powerKw * KW_PER_TON) / cooledKw : null;
