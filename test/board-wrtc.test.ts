import { test } from 'vitest';
import { converse } from './support/foreign-test.ts';
import { loadWrtc } from './support/stack-wrtc.ts';

const stack = await loadWrtc();
if (typeof stack === 'string') console.log(`skipped: ${stack}`);

test.skipIf(typeof stack === 'string')('the virtual board converses with a server on libwebrtc', () =>
  typeof stack === 'string' ? undefined : converse(stack),
);
