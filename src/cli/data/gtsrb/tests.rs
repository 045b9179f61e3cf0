use std::fs;

use tempfile::TempDir;

use super::*;

/// A folder with the file `table` of this text, and images (not decoded here) with these names.
fn folder(table: &str, text: &str, images: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join(table), text).unwrap();
    for image in images {
        let path = root.path().join(image);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "some bytes").unwrap();
    }
    root
}

#[test]
fn both_releases_are_read_in_the_order_of_their_tables() {
    let kaggle = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n\
                  53,54,6,5,48,49,16,Test/00000.png\n42,45,5,5,36,40,1,Test/00001.png\n";
    let own = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\r\n\
               00000.ppm;53;54;6;5;48;49;16\r\n00001.ppm;42;45;5;5;36;40;1\r\n";
    for (table, text, images, folder_of_images) in [
        ("Test.csv", kaggle, ["Test/00000.png", "Test/00001.png"], ""),
        ("GT-final_test.csv", own, ["00000.ppm", "00001.ppm"], ""),
        ("GT-final_test.csv", own, ["Images/00000.ppm", "Images/00001.ppm"], "Images"),
    ] {
        let root = folder(table, text, &images);
        let table = table_in(root.path()).expect("the table is found");
        for roi in [false, true] {
            let (base, files) = list(&table, roi).expect("the images are there");
            assert_eq!(
                base,
                if folder_of_images.is_empty() { root.path().to_owned() } else { root.path().join("Images") }
            );
            let labels: Vec<_> = files.iter().map(|file| file.label).collect();
            assert_eq!(labels, [Some(16), Some(1)]);
            assert!(files.iter().zip(&images).all(|(file, image)| image.ends_with(file.path.to_str().unwrap())));
            assert_eq!(files[0].crop, roi.then_some([6, 5, 48, 49]));
            assert_eq!(files[1].bytes, 10);
        }
    }
    assert_eq!(table_in(TempDir::new().unwrap().path()), None);
}

#[test]
fn a_bad_table_is_refused_with_its_line() {
    let refused = |text: &str, roi, expected: &str| {
        let root = folder("Test.csv", text, &["a.png", "b.png"]);
        let table = root.path().join("Test.csv");
        let error = list(&table, roi).expect_err(expected).to_string();
        assert!(error.starts_with(&format!("{}: ", table.display())) && error.contains(expected), "{error}");
    };
    let head = "ClassId,Path";
    refused("Width,Path\n3,a.png\n", false, "line 1: the column ClassId is missing, found Width, Path");
    refused("ClassId,Name\n3,a.png\n", false, "line 1: the column Filename is missing");
    refused(&format!("{head}\n3,a.png\n"), true, "line 1: the column Roi.X1 is missing");
    refused(&format!("{head}\n3,a.png\n4\n"), false, "line 3: it has 1 cells, the file's name is in cell 2");
    refused(&format!("{head}\n3,a.png\nstop,b.png\n"), false, "line 3: ClassId is \"stop\", a number is expected");
    refused(&format!("{head}\n43,a.png\n"), false, "line 2: ClassId 43 is no class of GTSRB, they are 0 to 42");
    refused(&format!("{head}\n3,a.png\n3,c.png\n"), false, "line 3: the image ");
    refused(&format!("{head}\n"), false, "no images");
    refused("", false, "line 1: the column Filename is missing");
    let table = TempDir::new().unwrap();
    let path = table.path().join("Test.csv");
    fs::write(&path, b"ClassId,Path\n3,\xff\xfe.png\n").unwrap();
    assert!(list(&path, false).expect_err("not UTF-8").to_string().contains("line 2: expected a text file in UTF-8"));
}
