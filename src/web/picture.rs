//! Pictures on their way to the screen. Where a browser puts pages together by software, it reads every canvas back that was drawn
//! on, and the page waits until the driver has drawn all of it. So the window is drawn beside the canvas, and copied onto it
//! once the driver is done: the page waits for the copy alone.

use super::browser;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, WebGl2RenderingContext as Gl, WebGlFramebuffer, WebGlRenderbuffer, WebGlSync};

/// A framebuffer of a canvas's size, into which all is drawn.
pub struct Picture {
    gl: Gl,
    framebuffer: WebGlFramebuffer,
    pixels: WebGlRenderbuffer,
    /// Width and height.
    size: Cell<[i32; 2]>,
    /// Pictures drawn so far.
    drawn: Cell<usize>,
    /// Whether one is on its way.
    comes: Cell<bool>,
}

impl Picture {
    /// Has everything drawn beside this canvas; nothing where there is no WebGL 2, and it is drawn on it.
    pub fn beside(canvas: &HtmlCanvasElement) -> Option<Rc<Self>> {
        let gl: Gl = canvas.get_context("webgl2").ok()??.dyn_into().ok()?;
        let (framebuffer, pixels) = (gl.create_framebuffer()?, gl.create_renderbuffer()?);
        gl.bind_framebuffer(Gl::FRAMEBUFFER, Some(&framebuffer));
        let (size, drawn, comes) = (Cell::default(), Cell::default(), Cell::default());
        Some(Rc::new(Self { gl, framebuffer, pixels, size, drawn, comes }))
    }

    /// Makes room for a picture that is drawn next, and shows it in time.
    pub fn begin(self: &Rc<Self>) {
        let size = [self.gl.drawing_buffer_width(), self.gl.drawing_buffer_height()];
        let before = self.size.replace(size);
        if before != size {
            self.resize(size);
        }
        // A canvas that changes its size loses what it showed.
        let is_lost = before != size && self.drawn.get() > 0;
        self.drawn.update(|drawn| drawn + 1);
        let picture = Rc::clone(self);
        // It begins when the browser gets control back: it has been drawn by then.
        wasm_bindgen_futures::spawn_local(async move {
            if is_lost {
                picture.show();
            } else if !picture.comes.replace(true) {
                picture.come().await;
            }
        });
    }

    fn resize(&self, [width, height]: [i32; 2]) {
        let Self { gl, pixels, .. } = self;
        gl.bind_renderbuffer(Gl::RENDERBUFFER, Some(pixels));
        gl.renderbuffer_storage(Gl::RENDERBUFFER, Gl::RGBA8, width, height);
        gl.framebuffer_renderbuffer(Gl::FRAMEBUFFER, Gl::COLOR_ATTACHMENT0, Gl::RENDERBUFFER, Some(pixels));
    }

    /// Shows what was drawn when the driver is done, and what was drawn meanwhile.
    async fn come(&self) {
        loop {
            let drawn = self.drawn.get();
            let fence = self.gl.fence_sync(Gl::SYNC_GPU_COMMANDS_COMPLETE, 0);
            self.gl.flush();
            while fence.as_ref().is_some_and(|fence| self.is_drawing(fence)) {
                browser::frame().await;
            }
            self.gl.delete_sync(fence.as_ref());
            self.show();
            if self.drawn.get() == drawn {
                return self.comes.set(false);
            }
        }
    }

    fn is_drawing(&self, fence: &WebGlSync) -> bool {
        self.gl.get_sync_parameter(fence, Gl::SYNC_STATUS).as_f64() == Some(Gl::UNSIGNALED.into())
    }

    /// Copies the picture onto the canvas.
    fn show(&self) {
        let (gl, [width, height]) = (&self.gl, self.size.get());
        gl.bind_framebuffer(Gl::DRAW_FRAMEBUFFER, None);
        gl.blit_framebuffer(0, 0, width, height, 0, 0, width, height, Gl::COLOR_BUFFER_BIT, Gl::NEAREST);
        gl.bind_framebuffer(Gl::FRAMEBUFFER, Some(&self.framebuffer));
    }
}
