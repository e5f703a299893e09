// A thread of the Worker's pool: the Worker's module once more, in the same memory.
import init, { work } from "./backhoe-threads.js";
onmessage = async ({ data: [module_or_path, memory] }) => {
    try {
        await init({ module_or_path, memory });
    } catch (error) {
        return reportError(error);
    }
    postMessage("ready");
    work();
};
