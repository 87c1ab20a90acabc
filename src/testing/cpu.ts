// How much work something is, whatever else the machine does meanwhile.

/** Milliseconds of processor that this process used while `work` ran. */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
