use super::*;

fn column(name: &str, rate: Rate) -> Column {
    Column { name: name.to_owned(), tick: "0".to_owned(), class: "sdc", rate, layer: None }
}

#[test]
fn names_cannot_leave_their_place() {
    assert_eq!(
        escape("<script>alert('x & \"y\"')</script>\u{0}"),
        "&lt;script&gt;alert(&#39;x &amp; &quot;y&quot;&#39;)&lt;/script&gt;\u{fffd}"
    );
    let hostile = "\"><script>alert(1)</script>";
    let row = MapRow { name: hostile, cells: vec![Some(Rate::new(1, 2))] };
    let share = Share { name: hostile.to_owned(), class: "scm", rate: Rate::new(1, 2) };
    for chart in [
        columns(hostile, &[column(hostile, Rate::new(1, 2))], &[]),
        shares(hostile, &[share]),
        map(hostile, &[row], &[MapColumn { name: hostile.to_owned(), tick: "0".to_owned() }]),
    ] {
        assert!(!chart.contains("<script"), "{chart}");
        assert!(chart.contains("&lt;script"), "{chart}");
    }
}

#[test]
fn lengths_are_shares_of_the_width() {
    assert_eq!([0.0, 0.5, 1.0 / 3.0, 1.0].map(across), ["0%", "50%", "33.33%", "100%"]);
    let chart = shares("", &[Share { name: String::new(), class: "scm", rate: Rate::new(1, 4) }]);
    assert!(chart.contains(r#"<rect x="0" width="25%""#), "{chart}");
}

#[test]
fn a_column_is_as_high_as_its_rate() {
    // The axis ends at 100 %, the plot is 170 pixels high.
    let chart = columns("", &[column("a", Rate::new(500, 1000)), column("b", Rate::new(1000, 1000))], &[]);
    assert!(chart.contains(r#"height="85.0" class="bar sdc""#), "{chart}");
    assert!(chart.contains(r#"height="170.0" class="bar sdc""#), "{chart}");
    let none = columns("", &[column("a", Rate::new(0, 0))], &[]);
    assert!(!none.contains("class=\"bar"), "of what is not known there is no column: {none}");
}

#[test]
fn levels_begin_where_the_legend_says() {
    assert_eq!(level(&Rate::new(0, 5)), 0);
    assert_eq!(level(&Rate::new(1, 1000)), 1);
    assert_eq!(level(&Rate::new(1, 100)), 2);
    assert_eq!(level(&Rate::new(99, 1000)), 3);
    assert_eq!(level(&Rate::new(7, 10)), 7);
    assert_eq!(level(&Rate::new(5, 5)), 7);
}

#[test]
fn a_large_map_stays_small() {
    let ticks: Vec<_> = (0..32).map(|bit| MapColumn { name: format!("bit {bit}"), tick: String::new() }).collect();
    let names: Vec<_> = (0..700).map(|layer| format!("conv5_block{layer}_2_relu")).collect();
    let rows: Vec<_> = names.iter().map(|name| MapRow { name, cells: vec![Some(Rate::new(0, 9)); 32] }).collect();
    let chart = map("", &rows, &ticks);
    assert!(chart.len() < 150_000, "{} bytes", chart.len());
    assert_eq!(chart.matches("class=\"cell q0\"").count(), 700, "neighbours of one level are one rectangle");
}
