#!/usr/bin/env node
// npm links this file before the bundle exists.
import('../dist/tincan.mjs').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('tincan is not built yet: run `npm run build` in its repository.');
  process.exitCode = 1;
});
