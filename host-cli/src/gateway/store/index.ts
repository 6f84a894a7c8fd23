/** The store's door. */
export { type DeviceStatus, statusOf } from './report.ts';
export {
  type CallChange,
  type DeviceRow,
  hashOf,
  type LimitChange,
  type Limits,
  type NewCall,
  type OpenCall,
  Store,
  type Used,
} from './store.ts';
export { priceOfUsage, type Tokens, type Usage, usageIn } from './usage.ts';
