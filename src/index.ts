// The library: what a program of one's own needs to install capture, to take and store frames and to
// read the trail.
export { type BaselineOptions, type TakenBaseline, takeBaseline } from './capture/baseline.ts';
export { type BaselineStatus, readBaselines } from './capture/baseline-status.ts';
export { connectDatabase } from './capture/connect.ts';
export { type InstallOutcome, installCapture } from './capture/install.ts';
export { type CapturePlan, planCapture } from './capture/plan.ts';
export type { CaptureTarget } from './capture/target.ts';
export { type UninstallOutcome, uninstallCapture } from './capture/uninstall.ts';
export { runSmoke, type SmokeOptions, type SmokeReport } from './checks/smoke.ts';
export type { AppConfig, Config } from './config/config.ts';
export { chooseApp, parseConfig, readConfig } from './config/read-config.ts';
export { PgwitnessError } from './error.ts';
export { encodeFrame, type ParsedFrame, parseFrame } from './logplex/frame.ts';
export { recordIdentity } from './logplex/identity.ts';
export type { LogRecord, LossFact, RecordKind } from './logplex/record.ts';
export { createStitcher, type Stitched } from './logplex/stitch.ts';
export type { SyslogLine } from './logplex/syslog-line.ts';
export { createReceiver } from './receive/receiver.ts';
export { type ShipOptions, ship } from './ship/ship.ts';
export { folderArchive } from './sink/folder-archive.ts';
export { openFolderSink } from './sink/folder-sink.ts';
export { type FrameMeta, packFrame } from './sink/frame-object.ts';
export { readFrames, type StoredFrame } from './sink/read-frames.ts';
export type { Archive, ArchiveObject, PutOutcome, Sink } from './sink/sink.ts';
export { type ScanOptions, scanRecords, type TrailEntry } from './trail/scan-records.ts';
export { verifyCode } from './witness/witness-key.ts';
export { parseWitness, type Witness } from './witness/witness-line.ts';
