// A thread of the Worker's pool: the Worker's module once more, in the same memory, and a way to the page of its own, by which the
// page hears how it ended: the Worker would wait for it, and pass nothing on.
import init, { work } from "./backhoe-threads.js";
onmessage = async ({ data: [module_or_path, memory, page] }) => {
    try {
        await init({ module_or_path, memory });
    } catch (error) {
        return reportError(error);
    }
    postMessage("ready");
    try {
        work(page);
    } catch (error) {
        page.postMessage(`${error}`);
    }
};
