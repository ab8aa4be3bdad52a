//! Columns of text.

use anstyle::Style;

/// Rows below a heading, each column as wide as its widest cell. Cells hold visible text only.
pub(crate) fn render<C: AsRef<str>, const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
    style: Style,
) -> String {
    let rows: Vec<[C; N]> = rows.into_iter().collect();
    let mut widths = heading.map(report::render::width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(report::render::width(cell.as_ref()));
        }
    }
    let heading = line(&heading, &widths);
    let mut text = format!("{style}{heading}{style:#}\n");
    for row in &rows {
        text.push_str(&line(row, &widths));
        text.push('\n');
    }
    text
}

fn line<C: AsRef<str>>(cells: &[C], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let cell = cell.as_ref();
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - report::render::width(cell) + 2));
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let text = render(["A", "BB"], [["漢字", "x"], ["y", ""]], Style::new());
        assert_eq!(text, "A     BB\n漢字  x\ny\n");
    }
}
