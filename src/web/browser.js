// What a browser gives that takes its own language: dialogs, dropped files, downloads, locks, storage.

// Has the user choose a folder or files; `found` gets pairs of a path and a file.
export function choose(folder, found) {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = folder;
    input.onchange = () => found([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
    input.click();
}

// Tells `found` of all files dropped on the page, those in folders among them, and `failed` of what cannot be read.
export function listen(found, failed) {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    // Before the canvas, which would take them for itself.
    const take = (event) => {
        if (!carries(event)) return;
        event.preventDefault();
        event.stopPropagation();
        if (event.type !== "drop") return;
        // What was dropped is there during the event alone; folders and files got from it stay.
        const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
        const dropped = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
        let count = 0;
        const seen = () => ++count % 100 || tell(`Looking into what was dropped: ${count} files so far …`);
        Promise.all(dropped.map((entry) => within(entry, "", seen)))
            .then((all) => found(all.flat()), (error) => (tell(""), failed(`${error}`)));
    };
    for (const type of ["dragover", "drop"]) window.addEventListener(type, take, { capture: true });
}

// All files in an entry of a file system, with their paths; `seen` is told of each.
async function within(entry, above, seen) {
    if (entry instanceof File) return [[entry.name, entry]];
    const path = above + entry.name;
    if (entry.isFile) {
        seen();
        return [[path, await new Promise((found, failed) => entry.file(found, failed))]];
    }
    const reader = entry.createReader(), files = [];
    for (;;) {
        // A reader gives some entries at a time.
        const some = await new Promise((found, failed) => reader.readEntries(found, failed));
        if (some.length === 0) return files;
        for (const one of some) files.push(...await within(one, `${path}/`, seen));
    }
}

// Shows words before everything else; none hide them.
export function tell(words) {
    const place = document.getElementById("told");
    place.textContent = words;
    place.hidden = words === "";
}

// Offers bytes as a file of this name.
export function download(name, bytes) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes]));
    link.download = name;
    link.click();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Some milliseconds later.
export function later(milliseconds) {
    return new Promise((over) => setTimeout(over, milliseconds));
}

// With the browser's next frame; not before the tab is shown.
export function frame() {
    return new Promise((over) => requestAnimationFrame(over));
}

// Asks for what is stored to stay even where the machine is short of room; a browser may refuse.
export function persist() {
    navigator.storage?.persist?.().catch(() => {});
}

// Writes a file whole or not at all in a Worker of a browser without writable streams: beside its place, then moved there.
export async function writeBeside(folder, name, beside, bytes) {
    const file = await folder.getFileHandle(beside, { create: true });
    try {
        await fill(file, bytes);
        // Some browsers move nothing onto a file that is there.
        await file.move(name).catch(() => folder.removeEntry(name).then(() => file.move(name)));
    } catch (error) {
        await folder.removeEntry(beside).catch(() => {});
        throw error;
    }
}

async function fill(file, bytes) {
    const access = await file.createSyncAccessHandle();
    try {
        // The first browsers that had this answered with promises.
        await access.truncate(0);
        if (await access.write(bytes, { at: 0 }) < bytes.length) throw new DOMException("there is no room", "QuotaExceededError");
        await access.flush();
    } finally {
        await access.close();
    }
}

// A lock that no other tab has, as a function that gives it back; nothing where another tab has it.
export function claim(name) {
    return new Promise((answer, failed) => navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return answer(undefined);
        return new Promise((release) => answer(release));
    }).catch(failed));
}
