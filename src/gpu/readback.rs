//! Readings: copies into staging buffers that are mapped when their submission is done, and used
//! again when they were read.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

type Mapped = Result<(), wgpu::BufferAsyncError>;

/// One reading under way.
struct Reading {
    staging: wgpu::Buffer,
    bytes: u64,
    mapped: Receiver<Mapped>,
}

/// All readings under way and the staging buffers that wait for the next.
#[derive(Default)]
pub(super) struct Readback {
    under_way: HashMap<u64, Reading>,
    free: Vec<wgpu::Buffer>,
    next: u64,
}

impl Readback {
    /// Whether no reading is under way.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Copies the first `bytes` of `source` once all submitted work is done, and says so when they have arrived. Returns a
    /// number to collect it by.
    pub fn request(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        source: (&wgpu::Buffer, u64),
        arrived: impl FnOnce() + Send + 'static,
    ) -> u64 {
        let (source, bytes) = source;
        let staging = self.staging(device, bytes);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("reading") });
        encoder.copy_buffer_to_buffer(source, 0, &staging, 0, bytes);
        queue.submit([encoder.finish()]);
        let (sender, mapped) = channel();
        staging.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // The receiver is gone when nobody wants the reading any more.
            let _ = sender.send(result);
            arrived();
        });
        self.next += 1;
        self.under_way.insert(self.next, Reading { staging, bytes, mapped });
        self.next
    }

    /// The bytes, once they have arrived; an error where the buffer could not be mapped.
    pub fn collect(&mut self, number: u64) -> Result<Option<Vec<u8>>, String> {
        let Some(reading) = self.under_way.get(&number) else {
            return Err(format!("reading {number} was collected before"));
        };
        match reading.mapped.try_recv() {
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err("the mapping was dropped".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(())) => self.take(number).map(Some),
        }
    }

    fn take(&mut self, number: u64) -> Result<Vec<u8>, String> {
        let Some(reading) = self.under_way.remove(&number) else {
            return Err(format!("reading {number} was collected before"));
        };
        let view = reading.staging.get_mapped_range(0..reading.bytes).map_err(|error| error.to_string())?;
        let bytes = view.to_vec();
        drop(view);
        reading.staging.unmap();
        self.free.push(reading.staging);
        Ok(bytes)
    }

    /// Lets go of all staging buffers now; what is under way never arrives.
    pub fn destroy(&mut self) {
        let under_way = self.under_way.drain().map(|(_, reading)| reading.staging);
        under_way.chain(self.free.drain(..)).for_each(|staging| staging.destroy());
    }

    /// The smallest free staging buffer that holds `bytes`, else a new one.
    fn staging(&mut self, device: &wgpu::Device, bytes: u64) -> wgpu::Buffer {
        let fitting = |(_, buffer): &(usize, &wgpu::Buffer)| buffer.size() >= bytes;
        let best = self.free.iter().enumerate().filter(fitting).min_by_key(|(_, buffer)| buffer.size());
        match best.map(|(index, _)| index) {
            Some(index) => self.free.swap_remove(index),
            None => device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size: bytes,
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            }),
        }
    }
}
