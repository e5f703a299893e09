// The Worker's own copy of the module: the one with threads where they can be had and it was built. It says `ready` when it hears
// commands.
const start = async (module) => (await import(module)).default();
if (self.crossOriginIsolated) {
    await start("./backhoe-threads.js").catch(() => start("./backhoe.js"));
} else {
    await start("./backhoe.js");
}
