import type { Measure, OpenSuite, ResultSpec, Suite } from '../suite.ts';

/** What `packages/x/bench` exports. */
export interface MicroBenchmark {
  readonly name: string;
  readonly unit: 'ns/op';
  run(iterations: number): void;
}

/** A suite of micro-benchmarks: absolute figures, and ratios between pairs of them. */
export function microSuite(
  name: string,
  question: string,
  load: () => Promise<{ readonly benchmarks: readonly MicroBenchmark[] }>,
  pairs: readonly { readonly name: string; readonly of: string; readonly over: string }[] = [],
): Suite {
  return {
    name,
    question,
    async open(): Promise<OpenSuite> {
      const { benchmarks } = await load();
      const measures = new Map(benchmarks.map((each) => [each.name, measureMicro(each)]));
      const ratios = pairs.flatMap((pair): readonly ResultSpec[] => {
        const [ours, peer] = [measures.get(pair.of), measures.get(pair.over)];
        if (ours === undefined || peer === undefined) throw new Error(`${name}: no benchmark for ${pair.name}`);
        const config = `${pair.over} of the same suite`;
        return [
          { name: pair.name, unit: 'ratio', metric: 'nsPerOp', ours, peer: { name: pair.over, config, measure: peer } },
        ];
      });
      return {
        results: [
          ...[...measures].map(([each, ours]): ResultSpec => ({ name: each, unit: 'ns/op', metric: 'nsPerOp', ours })),
          ...ratios,
        ],
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

/** Doubles the iterations until they fill the time; only the last, longest batch counts. */
function measureMicro(benchmark: MicroBenchmark): Measure {
  let iterations = 16;
  return async (seconds) => {
    for (;;) {
      const started = performance.now();
      benchmark.run(iterations);
      const took = (performance.now() - started) / 1000;
      if (took >= seconds / 2) return { rate: iterations / took };
      iterations = Math.ceil(iterations * Math.min(16, Math.max(1.5, (0.8 * seconds) / Math.max(took, 1e-6))));
    }
  };
}
