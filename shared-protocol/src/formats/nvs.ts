/** NVS: the store on the board, images for it, and a reader. */
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
