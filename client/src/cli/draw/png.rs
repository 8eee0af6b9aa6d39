//! An SVG as PNG.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::cli::RunError;

const WIDTH_PIXELS: u16 = 800;

/// With this machine's fonts; if it has none, the labels are left out, and stderr says so.
pub(super) fn render(svg: &str, width: Option<u16>) -> Result<Vec<u8>, RunError> {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        eprintln!("this machine has no fonts: the picture has no labels");
    }
    set_sans_serif(&mut fonts);
    let options = Options {
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|error| RunError::Png(error.to_string()))?;
    let scale = f32::from(width.unwrap_or(WIDTH_PIXELS)) / tree.size().width();
    let size = tree.size().to_int_size().scale_by(scale);
    let size = size.ok_or_else(|| RunError::Png("it is too small".to_owned()))?;
    let mut pixmap = Pixmap::new(size.width(), size.height())
        .ok_or_else(|| RunError::Png("it is too large".to_owned()))?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    let png = pixmap.encode_png();
    png.map_err(|error| RunError::Png(error.to_string()))
}

/// The family that stands for any, where the usual one is missing: the first that there is.
fn set_sans_serif(fonts: &mut fontdb::Database) {
    let families = |face: &fontdb::FaceInfo| face.families.first().map(|(name, _)| name.clone());
    let sans = fonts
        .faces()
        .filter_map(families)
        .find(|family| family.contains("Sans") && !family.contains("Mono"));
    let any = fonts.faces().find_map(families);
    if let Some(family) = sans.or(any) {
        fonts.set_sans_serif_family(family);
    }
}
