//! Pictures say how large they are, as long as they are the content.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use image::{DynamicImage, ImageFormat};
use realnet_core::Uuid;
use realnet_core::model::Item;
use realnet_core::provider::{DataStream, Expectation};
use realnet_core::resource::{
    Conditions, Context, Dispatcher, FilePart, Files as Sent, Operation, Part, Reply, Request, Services,
    Upload, WriteOptions,
};
use realnet_provider_generic::MemoryData;
use realnet_resource_files::Files;
use realnet_resource_items::Items;
use serde_json::json;

use crate::common::{on, somebody};

struct World {
    services: Services,
    dispatcher: Dispatcher,
}

fn stream(bytes: Vec<u8>) -> DataStream {
    stream::iter([Ok(Bytes::from(bytes))]).boxed()
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut out, format).unwrap();
    out.into_inner()
}

impl World {
    async fn new() -> Self {
        let services = on(Arc::new(MemoryData::new())).await;
        let mut dispatcher = Dispatcher::new(services.clone());
        dispatcher.register("items", Arc::new(Items)).register("files", Arc::new(Files::default()));
        Self { services, dispatcher }
    }

    async fn call(&self, endpoint: &str, operation: Operation) -> Reply {
        let cx = Context::new(&self.services, somebody(), Arc::from("test"));
        let request = Request { endpoint: endpoint.to_owned(), operation };
        self.dispatcher.dispatch(&cx, request).await.unwrap()
    }

    async fn send(&self, name: &str, bytes: Vec<u8>, parameters: &[(&str, &str)]) -> Item {
        let data = stream(bytes);
        let (content_type, expected) = (None, Expectation::default());
        let file = FilePart { name: Some(name.to_owned()), content_type, expected, data };
        let parts = stream::iter([Ok(Part::File(file))]).boxed();
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let files = Sent { parts, parameters: parameters.collect() };
        match self.call("files", Operation::Upload(files)).await {
            Reply::Created { items, .. } => items.value.into_iter().next().unwrap(),
            _ => panic!("no item"),
        }
    }

    async fn replace(&self, id: Uuid, bytes: Vec<u8>) -> Item {
        let (content_type, expected) = (None, Expectation::default());
        let upload =
            Upload { data: stream(bytes), content_type, expected, conditions: Conditions::default() };
        match self.call("files", Operation::WriteData { id, upload, options: WriteOptions::default() }).await
        {
            Reply::Changed(item) => item.value,
            _ => panic!("no item"),
        }
    }
}

fn size(item: &Item) -> [Option<i64>; 2] {
    ["width", "height"].map(|name| item.attributes.get(name).and_then(serde_json::Value::as_i64))
}

#[tokio::test]
async fn pictures_are_measured() {
    let world = World::new().await;
    for (format, name) in [
        (ImageFormat::Png, "a.png"),
        (ImageFormat::Jpeg, "a.jpg"),
        (ImageFormat::Gif, "a.gif"),
        (ImageFormat::WebP, "a.webp"),
    ] {
        let item = world.send(name, picture(120, 80, format), &[("width", "7")]).await;
        assert_eq!((&*item.type_name, size(&item)), ("Image", [Some(120), Some(80)]), "{name}");
        let replaced = world.replace(item.id, picture(30, 40, ImageFormat::Png)).await;
        assert_eq!(size(&replaced), [Some(30), Some(40)]);
    }
    let image = world.send("a.png", picture(5, 6, ImageFormat::Png), &[]).await;
    // What can not be measured has no size.
    let broken = world.replace(image.id, picture(5, 6, ImageFormat::Png)[..20].to_vec()).await;
    assert_eq!(size(&broken), [None, None]);
    assert_eq!(size(&world.replace(image.id, picture(8, 9, ImageFormat::Gif)).await), [Some(8), Some(9)]);
    let operation = Operation::DeleteData {
        id: image.id,
        conditions: Conditions::default(),
        options: WriteOptions::default(),
    };
    world.call("files", operation).await;
    let cx = Context::new(&world.services, somebody(), Arc::from("test"));
    let bare = world.services.items.get(&cx.access, image.id).await.unwrap().unwrap();
    assert_eq!((size(&bare), bare.content), ([None, None], None));
}

#[tokio::test]
async fn what_nobody_measures_is_as_it_is_said() {
    let world = World::new().await;
    let body = json!({"name": "a", "attributes": {"width": 640, "height": 480}});
    let video = match world.call("videos", Operation::Create { body, options: WriteOptions::default() }).await
    {
        Reply::Created { items, .. } => items.value.into_iter().next().unwrap(),
        _ => panic!("no item"),
    };
    let film = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    for _ in 0..2 {
        assert_eq!(size(&world.replace(video.id, film.clone()).await), [Some(640), Some(480)]);
    }
    // Types that have no such attributes get none.
    let file = world.send("a.png", picture(5, 6, ImageFormat::Png), &[("type", "File")]).await;
    assert_eq!(size(&file), [None, None]);
}
