//! Layers from the strings that PyTorch prints for its modules.

use backhoe::nn::Layer;
use std::collections::HashMap;

/// `Name(a, b, key=value)`: arguments without a key are numbered.
struct Call {
    name: String,
    arguments: HashMap<String, String>,
}

/// The layer that a module's string describes.
///
/// # Panics
/// When the string says anything that the layer cannot be.
pub fn layer(text: &str) -> Layer {
    let mut call = Call::parse(text);
    let layer = match call.name.as_str() {
        "Conv2d" => {
            call.take("0");
            let kernel = pair(&call.take("kernel_size").unwrap());
            let (stride, padding) = (call.square("stride", 1), call.square("padding", 0));
            let channels = number(&call.take("1").unwrap());
            Layer::Conv { channels, kernel, stride, padding, bias: call.bias() }
        }
        "Linear" => {
            call.take("in_features");
            Layer::Linear { outputs: number(&call.take("out_features").unwrap()), bias: call.bias() }
        }
        "MaxPool2d" => {
            call.insist("dilation", &["1", "(1, 1)"]);
            call.insist("ceil_mode", &["False"]);
            let window = call.square("kernel_size", 0);
            Layer::MaxPool { window, stride: call.square("stride", window), padding: call.square("padding", 0) }
        }
        "BatchNorm2d" => {
            call.take("0");
            call.insist("eps", &["1e-05"]);
            call.insist("momentum", &["0.1"]);
            for key in ["affine", "bias", "track_running_stats"] {
                call.insist(key, &["True"]);
            }
            Layer::BatchNorm
        }
        "Flatten" => {
            call.insist("start_dim", &["1"]);
            call.insist("end_dim", &["-1"]);
            Layer::Flatten
        }
        "ReLU" => Layer::Relu,
        _ => panic!("no layer is a `{text}`"),
    };
    assert!(call.arguments.is_empty(), "`{text}`: nothing here means {:?}", call.arguments);
    layer
}

impl Call {
    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('(').unwrap();
        let inner = rest.strip_suffix(')').unwrap();
        let (mut parts, mut depth) = (vec![String::new()], 0);
        for character in inner.chars() {
            depth += i32::from(character == '(') - i32::from(character == ')');
            if character == ',' && depth == 0 {
                parts.push(String::new());
            } else {
                parts.last_mut().unwrap().push(character);
            }
        }
        let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).enumerate();
        let argument = |(index, part): (usize, &str)| match part.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (index.to_string(), part.to_owned()),
        };
        Self { name: name.to_owned(), arguments: parts.map(argument).collect() }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        self.arguments.remove(key)
    }

    /// A number, or a pair of equal ones.
    fn square(&mut self, key: &str, default: usize) -> usize {
        let [height, width] = self.take(key).map_or([default; 2], |text| pair(&text));
        assert_eq!(height, width, "{key}");
        height
    }

    fn bias(&mut self) -> bool {
        self.take("bias").is_none_or(|text| text == "True")
    }

    /// An argument that a layer has no choice of.
    fn insist(&mut self, key: &str, only: &[&str]) {
        let value = self.take(key);
        assert!(value.as_deref().is_none_or(|value| only.contains(&value)), "{key} = {value:?}");
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap()
}

/// `(3, 5)`, or `3` for `(3, 3)`.
fn pair(text: &str) -> [usize; 2] {
    match text.trim_matches(['(', ')']).split_once(',') {
        Some((height, width)) => [number(height.trim()), number(width.trim())],
        None => [number(text); 2],
    }
}
