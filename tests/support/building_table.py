"""The equipment table of the domain reference, as it stands there: type, quantity, points each, scan seconds, points.

Copied, not computed: tests compare the described building with it.
"""

BUILDING_TABLE = """\
CHC|3|32|10|RunSts:DI; LocRem:DI; AlmSum:DI; FaultCode:MI; EnableCmd:DO; CHWS_SP:SP 5..12 °C; DmdLimit:AO 40..100 %; CHWS_T CHWR_T:AI 0..40 °C; CHW_Flow:AI 0..500 m3/h; CHW_DP:AI 0..200 kPa; CDWE_T CDWL_T:AI 10..50 °C; CDW_Flow:AI 0..600 m3/h; EvapP CondP OilP:AI kPa; EvapSatT CondSatT OilT BrgT WindT DischT:AI °C; VanePos:AI %; AmpsPct:AI 0..120 %; VfdHz:AI 0..60 Hz; kW:AI 0..450; kWh:CI; CapPct:AI %; RefLeak:AI 0..1000 ppm; Starts:CI; RunHr:CI h
CHS|2|22|10|RunSts:DI; LocRem:DI; AlmSum:DI; FaultCode:MI; EnableCmd:DO; CHWS_SP:SP 5..12 °C; CHWS_T CHWR_T:AI 0..40 °C; CHW_Flow:AI 0..150 m3/h; CDWE_T CDWL_T:AI 10..50 °C; EvapP CondP OilP:AI kPa; EvapSatT CondSatT DischT:AI °C; SlidePct:AI %; kW:AI 0..180; kWh:CI; Starts:CI; RunHr:CI h
CT|6|14|30|BIN; VFD; LW_T EW_T:AI 10..50 °C; BasinLvl:AI %; VibAlm:DI; MakeupVlv:DO; RunHr:CI h
PCHP|6|8|30|BIN; FlowSw:DI; DP:AI 0..600 kPa; kW:AI 0..45; RunHr:CI h
SCHP|6|10|15|BIN; VFD; DP:AI 0..600 kPa; RunHr:CI h
CWP|6|8|30|BIN; FlowSw:DI; DP:AI 0..600 kPa; kW:AI 0..75; RunHr:CI h
PLT|1|30|15|CHWS_T CHWR_T CDWS_T CDWR_T:AI °C; CHW_Flow CDW_Flow:AI m3/h; DpEnd1 DpEnd2:AI 0..400 kPa; BypVlv:AO %; CHWS_SP CDWS_SP DP_SP:SP; SeqMode:MO; StageCmd:AO; ChOnCnt:AI; Cool_kW:AI; Cool_kWh:CI; Plant_kW:AI; kWperRT:AI 0.3..2; COP:AI 0..10; OA_T OA_RH OA_WB:AI; MkupFlow:AI m3/h; MkupVol:CI m3; Cond:AI 0..3000 µS/cm; pH:AI 0..14; DoseSts:DI; SePipeP:AI kPa; SeLeak:DI
AHU|24|26|30|BIN; VFD; SAT RAT MAT:AI -10..60 °C; RA_RH:AI %; RA_CO2:AI 0..5000 ppm; DSP:AI 0..1500 Pa; DSP_SP:SP; SAT_SP:SP 12..20 °C; CCV_Cmd:AO %; CCV_Fb:AI %; OAD_Cmd:AO %; OAD_Fb:AI %; FltDP:AI 0..500 Pa; DuctSmoke:DI; SA_Flow:AI m3/h; OccMode:MO; RunHr:CI h; SchOvr:DI
OAH|6|18|30|BIN; VFD; SAT OAT:AI °C; SA_RH:AI %; SAT_SP:SP; CCV_Cmd:AO %; OAD_Fb:AI %; FltDP:AI Pa; OA_Flow:AI m3/h; DuctSmoke:DI; RunHr:CI h
FCU|32|6|60|RunSts:DI; ZoneT:AI 10..40 °C; ZoneSP:SP 22..30 °C; FanSpd:MO 0..3; VlvCmd:AO %; ModeCmd:MO
VAV|16|8|60|ZoneT:AI °C; ZoneSP:SP 22..30 °C; Flow:AI m3/h; FlowSP:AI m3/h; DmprCmd:AO %; DAT:AI °C; CO2:AI ppm; OccMode:MI
EF|20|4|60|BIN
PAC|4|10|30|RunSts:DI; AlmSum:DI; LeakAlm:DI; FltAlm:DI; SupT RetT:AI °C; RetRH:AI %; SetT:SP; kW:AI; RunHr:CI h
GIS|6|14|2|CbSts DsSts EsSts:MI open/closed/mid/bad; SprChg:DI; TripRly:DI; Sf6Low:DI; Sf6Block:DI; Sf6P:AI 0..800 kPa; LocRem:DI; kV:AI 0..30; I1 I2 I3:AI A; OpCnt:CI
HVM|2|17|1|MTR; PulseMin:CI
TR|5|12|10|WindT_U WindT_V WindT_W CoreT:AI 0..200 °C; FanSts:DI; FanMode:MI; TmpAlm:DI; TmpTrip:DI; LoadPct:AI 0..150 %; kW:AI; kWh:CI; LossKW:AI
LVP|7|19|5|MTR; AcbSts:DI; AcbTrip:DI; BusT:AI °C
CAP|5|6|15|PF:AI; kVAR:AI; StepsOn:AI 0..12; OverT:DI; AlmSum:DI; AutoMan:DI
UPS|4|16|15|OutSrc:MI; BattSts:MI; OnBattSec:AI s; MinRem:AI min; ChgPct:AI %; BattV:AI V; BattT:AI °C; InV:AI V; InHz:AI Hz; OutV:AI V; OutA:AI A; OutPct:AI %; Bypass:DI; AlmCnt:AI; TestRes:MI; kWh:CI
BAT|4|6|60|StrV:AI V; StrI:AI A; StrT:AI °C; SoH:AI %; CellRmax:AI mΩ; AlmSum:DI
GEN|2|24|5|Mode:MI off/man/auto/test; RunSts:DI; AlmSum:DI; TripCode:MI; V12 V23 V31:AI V; I1 I2 I3:AI A; kW:AI; Hz:AI 55..65; PF:AI; kWh:CI; OilP:AI 0..1000 kPa; CoolT:AI 0..130 °C; Rpm:AI; BattV:AI 0..32 V; FuelLvl:AI %; StartFail:DI; RunHr:CI h; Starts:CI; CbSts:DI; LastTest:CI ts
FTK|2|4|60|Lvl:AI %; LeakAlm:DI; LowAlm:DI; Vol:AI L
ATS|4|6|2|SrcN:DI; SrcE:DI; Pos:MI; Fault:DI; XferCnt:CI; TestMode:DI
EM|64|6|60|kW:AI; kWh:CI; PF:AI; Vavg:AI V; Iavg:AI A; Dmd15:AI kW
PV|2|8|15|kW:AI; kWh:CI; DcV:AI V; DcA:AI A; Sts:MI; Fault:MI; HeatsinkT:AI °C; Irr:AI W/m2
LTG|36|4|60|OnSts:DI; OnCmd:DO; OvrMin:AI min; DimPct:AO %
WM|28|4|900|Flow:AI m3/h; Vol:CI m3; LeakAlm:DI; BattPct:AI %
TNK|14|4|30|Lvl:AI 0..100 %; HiAlm:DI; LoAlm:DI; InVlv:DI
WPP|8|6|30|BIN; OutP:AI 0..1600 kPa; RunHr:CI h
SMP|12|5|30|BIN; HiLvlAlm:DI
RWS|1|10|60|Lvl:AI %; InVol:CI m3; UsedVol:CI m3; TapMkupVol:CI m3; PumpRun:DI; PumpTrip:DI; FltDP:AI kPa; UvSts:DI; Turb:AI NTU; RainMm:AI mm
HWD|20|5|300|PwrSts:DI; TankT:AI 0..110 °C; HeatEn:DO; FltDays:AI d; AlmSum:DI
ELV|35|12|2|CarMode:MI; CarPos:AI floor; Dir:MI; DoorSts:MI; DriveSts:MI; FaultSig:MI; LoadPct:AI %; AlmBell:DI; Trips:CI; RunHr:CI h; kWh:CI; kWhRegen:CI
ESC|8|6|5|Mode:MI; Dir:MI; FaultSig:MI; RunHr:CI h; kWh:CI; StopBtn:DI
EVSE|18|10|10|Status:MI; ErrCode:MI; kW:AI; SessKWh:AI kWh; kWh:CI; V:AI V; A:AI A; Offered:AI A; LimitA:AO 0,6..32 A; ConnTemp:AI °C
PMS|2|12|10|EntryCnt:CI; ExitCnt:CI; Occ:AI; Free:AI; AccFree:AI; EvFree:AI; GateIn GateOut:MI; GateAlm:DI; LprSts:DI; FullSign:DO; Overstay:AI
PKZ|12|3|10|Bays:AI; Occ:AI; SensFault:AI
PKF|12|6|15|BIN; SpdCmd:MO off/low/high; kW:AI
PKG|24|3|15|CO:AI 0..250 ppm; NO2:AI 0..10 ppm; Fault:DI
FACP|2|10|1|Alarm:DI; Prealm:DI; Supv:DI; Trouble:DI; AcFail:DI; BattFail:DI; Silenced:DI; TestMode:DI; CommSts:DI; ZonesInAlm:AI
FZN|52|2|1|State:MI; Isolated:DI
ACV|14|4|5|FlowSw:DI; SupvVlv:DI; Pup:AI kPa; Pdn:AI kPa
EOL|14|2|300|P:AI 0..1600 kPa; LastTest:CI ts
FPP|4|5|2|RunSts:DI; PwrSts:DI; TripAlm:DI; AutoPos:DI; OutP:AI kPa
FOM|8|3|5|DlgVlv:DI; FlowSw:DI; ConcLvl:AI %
FSH|24|3|5|Pos:MI open/closed/mid; TripAlm:DI; TestRes:MI
SMK|10|3|2|RunSts:DI; TripAlm:DI; AutoPos:DI
ACS|48|3|1|DoorSts:DI; LockSts:DI; AlmSts:MI none/forced/held/tamper
CAM|48|2|60|Online:DI; RecSts:DI
NVR|6|4|60|DiskPct:AI %; RecDays:AI d; ChLoss:AI; TempC:AI °C
IDS|24|3|1|Alarm:DI; Armed:DI; Tamper:DI
ICM|20|2|5|Online:DI; CallActive:DI
SOS|32|2|1|Pressed:DI; Fault:DI
PAA|14|3|10|ZoneSts:DI; AmpFault:DI; EmgMode:DI
IAQ|28|8|60|T:AI -10..60 °C; RH:AI %; CO2:AI 0..5000 ppm; CO:AI 0..100 ppm; PM25:AI 0..1000 µg/m3; PM10:AI 0..1000 µg/m3; TVOC:AI 0..10 ppm; HCHO:AI 0..2 ppm
WX|1|8|60|OAT:AI °C; RH:AI %; WB:AI °C; Solar:AI W/m2; Rain:AI mm; WindSpd:AI m/s; WindDir:AI °; Lux:AI lx
ICT|20|4|30|Online:DI; CpuPct:AI %; DiskPct:AI %; PollLagS:AI s
PBX|1|6|60|TrunkBusy:AI %; TrunkAlm:DI; ExtBusy:AI; PsuAlm:DI; Temp:AI °C; BlockedCalls:CI
AVR|12|2|60|PwrSts:DI; kW:AI
DWS|5|2|60|kW:AI; kWh:CI
"""

MACROS = {
    "BIN": "RunSts:DI; TripAlm:DI; LocRem:DI; StartCmd:DO",
    "VFD": "SpdFb:AI %; SpdCmd:AO %; kW:AI; VfdFault:MI",
    "MTR": (
        "V12 V23 V31:AI V; I1 I2 I3:AI A; kW:AI; kVAR:AI; kVA:AI; PF:AI -1..1; Hz:AI 59..61; kWh:CI; kVARh:CI; "
        "THDv:AI %; THDi:AI %; Dmd15:AI kW"
    ),
}
KINDS = {"AI": 2121, "DI": 1425, "MI": 497, "CI": 425, "AO": 203, "DO": 175, "SP": 114, "MO": 101}
TYPES, UNITS, POINTS = 60, 856, 5061
VALUES_PER_S = 945
