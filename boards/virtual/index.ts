/** Door of the virtual board. */
export * from './chip/index.ts';
export * from './clock.ts';
export * from './contract.ts';
export * from './fronts/index.ts';
export * from './runtime/index.ts';
export * from './start.ts';
