import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'build/**', 'out/**'],
    // Two cores are the reference machine; real sockets and a compiler share them.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Its default of 1 s would make a busy machine a fault.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
    // CI counts what passed and failed from the file.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'build/tests.json' },
  },
});
