import { s3Archive } from '../../src/sink/s3-archive.ts';
import { openS3Sink } from '../../src/sink/s3-sink.ts';
import { type S3Fault, startFaultyS3 } from '../rig/s3-faults.ts';
import type { S3World } from '../rig/s3-world.ts';
import type { FaultWorld } from './fault-cell.ts';

/** A bucket of a real S3, the way to which meets a fault: at every put, or at the next `times`. */
export async function s3FaultWorld(
  world: S3World,
  fault: S3Fault,
  times = Number.POSITIVE_INFINITY,
): Promise<FaultWorld> {
  const place = await world.newBucket();
  const way = await startFaultyS3(world.server.endpoint);
  const sink = openS3Sink({ ...place, endpoint: way.endpoint, credentials: world.owner });
  return {
    sink,
    archive: s3Archive({ ...place, credentials: world.owner }),
    breaks: () => way.breaks(fault, times),
    heals: () => way.heals(),
    async close() {
      sink.close();
      await way.stop();
    },
  };
}
