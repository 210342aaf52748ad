//! The load driver, the same for all contestants: keep-alive connections on one thread, each sending its
//! next request when its last one is answered (a closed loop). An event loop without tasks or timers, so that
//! on a small machine most of the time is left to the server: two system calls per request and a shared wait.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::answer::Reader;

/// A load to put on a server.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Where the server listens.
    pub address: SocketAddr,
    /// How many connections.
    pub connections: usize,
    /// How long to measure, after a tenth of it to warm up.
    pub duration: Duration,
}

/// What a load measured.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Requests sent, those before and after the measurement included.
    pub asked: usize,
    /// Answers with 2xx.
    pub answered: usize,
    /// Other answers.
    pub refused: usize,
    /// The status of the last of those.
    pub refusal: Option<u16>,
    /// Bytes of bodies.
    pub bytes: usize,
    /// Seconds measured.
    pub seconds: f64,
    /// Latencies in microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Figures {
    /// Good answers per second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// A percentile of the latency, in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (last as f64 * percent / 100.0).round() as usize;
        self.latencies.get(index).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }

    fn count(&mut self, status: u16, bytes: usize, latency: Duration) {
        if (200..300).contains(&status) {
            self.answered += 1;
            self.bytes += bytes;
            self.latencies.push(latency.as_micros() as u32);
        } else {
            self.refused += 1;
            self.refusal = Some(status);
        }
    }
}

/// How long answers that are under way at the end may take; they are awaited, so that a slow server does
/// not work on them while the next one is measured.
const DRAIN: Duration = Duration::from_mins(1);

/// Puts the load on the server and measures. `write_request` appends the bytes of the next request.
///
/// # Errors
/// The server refuses or closes a connection, or answers what is no HTTP.
pub fn run(load: Load, write_request: &mut dyn FnMut(&mut Vec<u8>)) -> Result<Figures> {
    let mut poll = Poll::new()?;
    let mut connections = (0..load.connections)
        .map(|number| Connection::open(&poll, load.address, number))
        .collect::<Result<Vec<_>>>()?;
    let begin = Instant::now() + load.duration / 10;
    let end = begin + load.duration;
    let mut figures = Figures { seconds: load.duration.as_secs_f64(), ..Figures::default() };
    let mut events = Events::with_capacity(load.connections * 2);
    for connection in &mut connections {
        connection.send(write_request)?;
        figures.asked += 1;
    }
    let mut under_way = connections.len();
    while under_way > 0 {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            let connection = &mut connections[event.token().0];
            if event.is_writable() {
                connection.flush()?;
            }
            let Some((status, bytes)) = connection.receive()? else { continue };
            let now = Instant::now();
            if now >= begin && now < end {
                figures.count(status, bytes, now - connection.sent);
            }
            if now < end {
                connection.send(write_request)?;
                figures.asked += 1;
            } else {
                under_way -= 1;
            }
        }
        if Instant::now() > end + DRAIN {
            return Err(Error::new(ErrorKind::TimedOut, "requests were not answered"));
        }
    }
    figures.latencies.sort_unstable();
    Ok(figures)
}

/// A connection and the request that is under way on it.
struct Connection {
    stream: TcpStream,
    sent: Instant,
    outgoing: Vec<u8>,
    written: usize,
    incoming: Vec<u8>,
    received: usize,
    reader: Reader,
}

impl Connection {
    fn open(poll: &Poll, address: SocketAddr, number: usize) -> Result<Self> {
        // Connected before the loop begins; a local server accepts at once.
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            sent: Instant::now(),
            outgoing: Vec::with_capacity(1024),
            written: 0,
            incoming: vec![0; 1 << 16],
            received: 0,
            reader: Reader::default(),
        })
    }

    fn send(&mut self, write_request: &mut dyn FnMut(&mut Vec<u8>)) -> Result<()> {
        self.outgoing.clear();
        self.written = 0;
        self.received = 0;
        write_request(&mut self.outgoing);
        self.sent = Instant::now();
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        while self.written < self.outgoing.len() {
            match self.stream.write(&self.outgoing[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Status and length of the body, once the answer is there.
    fn receive(&mut self) -> Result<Option<(u16, usize)>> {
        loop {
            if self.received == self.incoming.len() {
                self.incoming.resize(self.incoming.len() * 2, 0);
            }
            match self.stream.read(&mut self.incoming[self.received..]) {
                Ok(0) => {
                    return Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
                }
                Ok(count) => self.received += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            if let Some(answer) = self.reader.read(&self.incoming[..self.received])? {
                return Ok(Some((answer.status, answer.body.len())));
            }
            // More data raises a new event, so there is no need to read until the socket is empty.
            if self.received < self.incoming.len() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers each request by its path: `/ok` with a body in two pieces, anything else with 404.
    fn serve(listener: &TcpListener) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if buffer[..count].starts_with(b"GET /ok ") {
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab").unwrap();
                        thread::yield_now();
                        stream.write_all(b"cd").unwrap();
                    } else {
                        stream.write_all(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").unwrap();
                    }
                }
            });
        }
    }

    #[test]
    fn a_load_counts_good_and_other_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(&listener));
        let load = Load { address, connections: 4, duration: Duration::from_millis(200) };
        let mut count = 0;
        let figures = run(load, &mut |bytes| {
            count += 1;
            let path = if count % 3 == 0 { "/no" } else { "/ok" };
            bytes.extend_from_slice(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes());
        })
        .unwrap();
        assert!(figures.answered > 10 && figures.refused > 5, "{figures:?}");
        assert!(figures.answered + figures.refused <= count);
        assert_eq!(figures.asked, count);
        assert_eq!(figures.bytes, figures.answered * 4);
        assert_eq!(figures.latencies.len(), figures.answered);
        assert_eq!(figures.refusal, Some(404));
    }

    #[test]
    fn percentiles_are_taken_from_sorted_latencies() {
        let figures = Figures { latencies: (1..=1000).map(|n| n * 1000).collect(), ..Figures::default() };
        assert!((figures.percentile(50.0) - 500.0).abs() < 1.5);
        assert!((figures.percentile(99.0) - 990.0).abs() < 1.5);
    }
}
