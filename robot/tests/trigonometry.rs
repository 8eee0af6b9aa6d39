//! Proof by trial that libm's joint sine and cosine are, bit for bit, its sine and its cosine.
//!
//! `apply` uses the joint function because it reduces the argument once; golden vectors and peers
//! may use either.

use robot::Finite;

mod support;

fn check(radians: f64) {
    let (sine, cosine) = libm::sincos(radians);
    let apart = (libm::sin(radians), libm::cos(radians));
    assert_eq!(
        (sine.to_bits(), cosine.to_bits()),
        (apart.0.to_bits(), apart.1.to_bits()),
        "{radians:e}"
    );
}

#[test]
fn joint_and_single_functions_agree_where_their_branches_differ() {
    // Small arguments: the three functions change from one formula to another at slightly different
    // places.
    for threshold in [
        2f64.powi(-26),
        2f64.powi(-27),
        2f64.powi(-27) * 2f64.sqrt(),
        2f64.powi(-1022),
    ] {
        let middle = threshold.to_bits();
        for bits in middle - 2000..middle + 2000 {
            check(f64::from_bits(bits));
            check(-f64::from_bits(bits));
        }
    }
    // Multiples of pi/4, where the reduction loses the most digits.
    for eighth in -20_000..20_000 {
        let middle = (f64::from(eighth) * core::f64::consts::FRAC_PI_4).to_bits();
        for offset in 0..5 {
            check(f64::from_bits(middle.wrapping_add(offset).wrapping_sub(2)));
        }
    }
}

#[test]
fn joint_and_single_functions_agree_on_random_numbers() {
    let mut random = support::Random(1);
    for _ in 0..300_000 {
        check(random.number().get());
        let between_the_thresholds =
            2f64.powi(-27) * (1.0 + random.below(1 << 52) as f64 / 2f64.powi(52));
        check(between_the_thresholds);
        if let Some(any) = Finite::new(f64::from_bits(random.bits())) {
            check(any.get());
        }
    }
}
