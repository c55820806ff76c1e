import { get, type Device, type Devices } from "./api";

/** Devices of the building, and whether they answer. Whether the service can be asked shows by it too. */
class DeviceStore {
  items = $state.raw<readonly Device[]>([]);
  reachable = $state(true);

  async load(): Promise<void> {
    try {
      this.items = (await get<Devices>("/devices")).items;
      this.reachable = true;
    } catch {
      this.reachable = false;
    }
  }
}

export const devices = new DeviceStore();
