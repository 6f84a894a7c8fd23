import { NvsError, NvsStore, type NvsValue } from '@tincan/shared-protocol';
import type { AppHost } from '../contract.ts';
import { ERR, KV, type PortFunctions } from './codes.ts';
import type { CoreMemory } from './module.ts';

const NAMESPACE = 'tincan';
const NUMBERS = { [KV.u8]: 'u8', [KV.u16]: 'u16', [KV.u32]: 'u32' } as const;

/**
 * Key-value storage: NVS in the board's own flash. A partition that cannot be used is erased and begun anew, as
 * ESP-IDF's applications do; `log` is told so.
 */
export function storagePort(
  host: Pick<AppHost, 'flash' | 'nvs'>,
  memory: CoreMemory,
  log: (line: string) => void,
): PortFunctions {
  const store = openStore(host, log);
  return {
    tc_port_kv_read(keyAt, type, out, capacity) {
      const key = memory.text(keyAt!);
      let value: NvsValue | undefined;
      try {
        value = store.get(NAMESPACE, key);
      } catch {
        return ERR.storage;
      }
      const bytes = value && bytesOf(value, type!);
      if (!bytes) return ERR.notFound;
      if (bytes.length > capacity! >>> 0) return ERR.size;
      memory.bytes(out!, bytes.length).set(bytes);
      return bytes.length;
    },
    tc_port_kv_write(keyAt, type, at, length) {
      const key = memory.text(keyAt!);
      const value = nvsValue(type!, memory.bytes(at!, length!).slice());
      if (!value) return ERR.storage;
      try {
        store.set(NAMESPACE, key, value);
        return 0;
      } catch (error) {
        return error instanceof NvsError && error.code === 'NVS_FULL' ? ERR.full : ERR.storage;
      }
    },
    tc_port_kv_erase(keyAt) {
      try {
        store.erase(NAMESPACE, memory.text(keyAt!));
        return 0;
      } catch {
        return ERR.storage;
      }
    },
  };
}

function openStore(host: Pick<AppHost, 'flash' | 'nvs'>, log: (line: string) => void): NvsStore {
  const { flash, nvs } = host;
  const region = {
    size: nvs.size,
    read: (offset: number, length: number) => flash.read(nvs.offset + offset, length),
    program: (offset: number, bytes: Uint8Array) => flash.program(nvs.offset + offset, bytes),
    erase: (offset: number, length: number) => flash.erase(nvs.offset + offset, length),
  };
  try {
    return NvsStore.open(region);
  } catch (error) {
    if (!(error instanceof NvsError) || error.code === 'NVS_SIZE') throw error;
    log(`nvs: ${error.message}; erasing it`);
    region.erase(0, region.size);
    return NvsStore.open(region);
  }
}

/** The bytes that the core reads; undefined where what is stored has another type. */
function bytesOf(value: NvsValue, type: number): Uint8Array | undefined {
  if (type === KV.text && value.type === 'string') return new TextEncoder().encode(value.value);
  if (type === KV.blob && value.type === 'blob') return value.value;
  if (value.type !== NUMBERS[type as keyof typeof NUMBERS]) return undefined;
  const out = new Uint8Array(type);
  for (let i = 0; i < type; i++) out[i] = Number(value.value) >>> (8 * i);
  return out;
}

function nvsValue(type: number, bytes: Uint8Array): NvsValue | undefined {
  if (type === KV.text) {
    try {
      return {
        type: 'string',
        value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
      };
    } catch {
      return undefined;
    }
  }
  if (type === KV.blob) return { type: 'blob', value: bytes };
  const name = NUMBERS[type as keyof typeof NUMBERS];
  if (!name || bytes.length !== type) return undefined;
  return { type: name, value: bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0) };
}
