// Containers in which the Functions host keeps locks, keys and timers: what happens there is never purged.

export const isHostContainer = (container: string): boolean => container.startsWith('azure-webjobs-');
