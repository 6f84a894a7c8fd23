export { boardProblems } from './check.ts';
export * from './define.ts';
export { boardFiles } from './generate/index.ts';
export * from './registry.ts';
export * from './virtual/index.ts';
export * from './words.ts';
