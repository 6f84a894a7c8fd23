export * from './define.ts';
export * from './registry.ts';
export * from './virtual/index.ts';
