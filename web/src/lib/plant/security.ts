/** Kinds of the one list of security equipment, and the points that say how each stands. */

export const SECURITY_KINDS = [
  { key: "sys_kind_sos", cls: "Emergency_Push_Button_Status", roles: ["Pressed", "Fault"] },
  { key: "sys_kind_doors", cls: "Access_Reader", roles: ["AlmSts", "DoorSts", "LockSts"] },
  { key: "sys_kind_intrusion", cls: "Intrusion_Detection_Equipment", roles: ["Alarm", "Armed", "Tamper"] },
  { key: "sys_kind_intercom", cls: "Intercom_Equipment", roles: ["Online", "CallActive"] },
  { key: "sys_kind_cameras", cls: "Surveillance_Camera", roles: ["Online", "RecSts"] },
  { key: "sys_kind_recorders", cls: "Network_Video_Recorder", roles: ["DiskPct", "RecDays", "ChLoss", "TempC"] },
  { key: "sys_kind_address", cls: "x:Public_Address_Zone", roles: ["ZoneSts", "AmpFault", "EmgMode"] },
] as const;

export type SecurityKind = (typeof SECURITY_KINDS)[number];
