import { defineConfig } from 'vitest/config';

/** The suites that start real brokers: one file at a time, as a broker likes to have the machine for itself. */
export default defineConfig({
  test: {
    include: ['test/**/*.broker.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
