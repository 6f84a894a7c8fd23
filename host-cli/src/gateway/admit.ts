/** Whether a call may begin: what is asked of the desk, as whoever calls sees the answer. */
import { messageOf } from '../errors.ts';
import { HttpError } from './http.ts';
import type { DeviceDesk } from './store/desk.ts';
import type { DeviceRow, NewCall } from './store/index.ts';

/** Writes a call down, before anything of it is made. @throws HttpError 429, or 500 where the store fails */
export function admit(
  desk: DeviceDesk,
  device: DeviceRow | undefined,
  call: Omit<NewCall, 'device'>,
  log: (line: string) => void,
): void {
  let refusal: ReturnType<DeviceDesk['open']>;
  try {
    refusal = desk.open({ ...call, device: device?.id });
  } catch (error) {
    log(`the store failed: ${messageOf(error)}`);
    throw new HttpError(500, 'server_error', 'This gateway cannot write calls down now.');
  }
  if (!refusal) return;
  log(`device "${device?.name}" may not call: ${refusal.message}`);
  throw new HttpError(429, 'device_limit_exceeded', refusal.message, {
    'Retry-After': String(refusal.retryAfter),
  });
}
