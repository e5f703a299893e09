//! The window of the page, laid out here as well: where it has what, which a canvas tells nobody.

use backhoe::ui::controls::Controls;
use backhoe::ui::{Address, App};
use backhoe::worker::message::{Browser, Choose, Lack};
use backhoe::worker::{Command, Link, Message};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

/// The window, as it is after the same clicks.
pub struct Mirror(Harness<'static, App>);

/// A browser that lacks this and does nothing.
struct Still(Vec<Message>);

impl Link for Still {
    fn send(&mut self, _: Command) {}

    fn receive(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.0)
    }

    fn browser(&mut self) -> Option<&mut dyn Browser> {
        Some(self)
    }
}

impl Browser for Still {
    fn choose(&mut self, _: Choose) {}
}

impl Mirror {
    /// A window of this size before a run, in a browser that lacks this.
    pub fn new([width, height]: [f32; 2], lack: Lack) -> Self {
        let Address { cell, device, .. } = Address::default();
        let link = Still(vec![Message::Lacks(lack)]);
        let mut window = Harness::builder().with_size([width, height]).build_eframe(move |creation| {
            App::new(&creation.egui_ctx, Box::new(link), Controls::new(cell, true, &device, None), false)
        });
        window.run_steps(3);
        Self(window)
    }

    /// Clicks what is called this; where that is.
    pub fn click(&mut self, label: &str) -> [f32; 2] {
        let place = self.0.get_by_label(label).rect().center();
        self.0.get_by_label(label).click();
        self.0.run_steps(3);
        place.into()
    }
}
