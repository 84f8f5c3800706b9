import { deflateRawSync, gzipSync } from 'node:zlib';
import { readFrames } from '../../src/sink/read-frames.ts';
import type { Archive } from '../../src/sink/sink.ts';
import type { LoadFrame } from './frames.ts';

/**
 * Bytes per CPU second of gzip alone, frame by frame: no receiver that compresses can do better. In
 * bursts of `seconds` each time, so that it can be measured beside what it is held against.
 */
export function bareGzip(frames: readonly LoadFrame[], level: number, seconds: number) {
  let bytes = 0;
  const began = process.cpuUsage();
  const used = () => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1e6;
  };
  for (let at = 0; used() < seconds; at += 1) {
    const { body } = frames[at % frames.length] as LoadFrame;
    gzipSync(body, { level });
    bytes += body.length;
  }
  return { bytes, cpuSeconds: used() };
}

/** The level at which the objects of an archive are packed, found by packing one frame of them anew. */
export async function levelOf(archive: Archive): Promise<number> {
  for await (const { key } of archive.list('logs/')) {
    for (const frame of readFrames(await archive.read(key))) {
      if (frame.kind !== 'frame' || frame.meta === undefined || frame.body.length < 10_000)
        continue;
      const { packed } = frame.meta;
      const off = (level: number) =>
        Math.abs(deflateRawSync(frame.body, { level }).length - packed);
      return [1, 2, 3, 4, 5, 6, 7, 8, 9].sort((a, b) => off(a) - off(b))[0] ?? 6;
    }
  }
  throw new Error('the archive holds no frame to tell its level by');
}
