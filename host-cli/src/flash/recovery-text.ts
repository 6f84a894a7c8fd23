import type { Recovery } from './flasher.ts';

/** What is being done about bytes that went wrong, for people. */
export function recoveryText(recovery: Recovery): string {
  switch (recovery.kind) {
    case 'resend':
      return 'a packet arrived damaged; sending it again';
    case 'resync':
      return 'bytes got lost; going on with what is missing';
    case 'reconnect':
      return `bytes went wrong; going on at ${recovery.baud} baud`;
    case 'gone':
      return `${recovery.path} went away: plug the board in again, it is waited for`;
    case 'back':
      return `the board is back at ${recovery.path}`;
  }
}
