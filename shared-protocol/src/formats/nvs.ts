/** NVS: the store on the board, images for it, and a reader. */
export {
  decryptNvs,
  encodeNvsKeys,
  encryptedRegion,
  encryptNvs,
  generateNvsKeys,
  isNvsReadable,
  NVS_KEYS_SIZE,
  type NvsKeys,
  nvsKeysFromHmac,
  parseNvsKeys,
} from './nvs-crypt.ts';
export { parseNvsCsv } from './nvs-csv.ts';
export {
  NVS_MAX_KEY,
  NVS_PAGE_SIZE,
  type NvsBigType,
  type NvsEntry,
  NvsError,
  type NvsIntType,
  type NvsListing,
  type NvsType,
  type NvsValue,
} from './nvs-format.ts';
export { buildNvsImage, readNvs } from './nvs-image.ts';
export { type NvsRegion, NvsStore } from './nvs-store.ts';
