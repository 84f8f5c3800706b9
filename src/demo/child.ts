// Entry point of the demo's own receiver and shipper: the command, tied to the life of its parent.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel alone is no reason to stay.
process.channel?.unref();
await import('../cli/main.ts');
