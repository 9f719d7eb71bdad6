// Only what keeps the build inside this folder: Next would take the folder of another lock above it for its root.
export default { turbopack: { root: import.meta.dirname } };
