// Streams, a work queue and pull consumers by nats.go, both its packages: prints a line for each thing that it has seen.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func streams(url string) {
	nc := dial(url)
	defer nc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	js := must(jetstream.New(nc))
	workQueue(ctx, js)
	consumers(ctx, js)
	keys(ctx, js)
	legacy(nc)
	for _, name := range []string{"JOBS", "KV_settings", "OLD"} {
		check(js.DeleteStream(ctx, name))
	}
}

func workQueue(ctx context.Context, js jetstream.JetStream) {
	jobs := must(js.CreateStream(ctx, jetstream.StreamConfig{
		Name:      "JOBS",
		Subjects:  []string{"jobs.*"},
		Retention: jetstream.WorkQueuePolicy,
		Storage:   storage(),
	}))
	for i := range 5 {
		ack := must(js.Publish(ctx, "jobs.new", fmt.Appendf(nil, "job %d", i), jetstream.WithMsgID(fmt.Sprint(i))))
		fmt.Println("ack", ack.Stream, ack.Sequence, ack.Duplicate)
	}
	again := must(js.Publish(ctx, "jobs.new", nil, jetstream.WithMsgID("4")))
	fmt.Println("again", again.Sequence, again.Duplicate)
	_, err := js.Publish(ctx, "jobs.new", nil, jetstream.WithExpectLastSequence(1))
	fmt.Println("refused", err)
	worker := must(jobs.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy}))
	first := must(worker.Next(jetstream.FetchMaxWait(2 * time.Second)))
	meta := must(first.Metadata())
	fmt.Println("first", string(first.Data()), meta.Sequence.Stream, meta.NumPending)
	check(first.DoubleAck(ctx))
	restart(js.Conn())
	again = must(js.Publish(ctx, "jobs.new", nil, jetstream.WithMsgID("4")))
	fmt.Println("again", again.Sequence, again.Duplicate)
	batch := must(worker.Fetch(2, jetstream.FetchMaxWait(2*time.Second)))
	for msg := range batch.Messages() {
		if string(msg.Data()) == "job 1" {
			check(msg.Nak())
		} else {
			check(msg.TermWithReason("enough"))
		}
	}
	// nats-server takes acks on a way of their own, on which the next pull may overtake one.
	time.Sleep(200 * time.Millisecond)
	back := must(worker.Next(jetstream.FetchMaxWait(2 * time.Second)))
	fmt.Println("back", string(back.Data()), must(back.Metadata()).NumDelivered)
	check(back.InProgress())
	check(back.DoubleAck(ctx))
	rest := must(worker.FetchNoWait(10))
	for msg := range rest.Messages() {
		fmt.Println("rest", string(msg.Data()))
		check(msg.DoubleAck(ctx))
	}
	_, err = worker.Next(jetstream.FetchMaxWait(300 * time.Millisecond))
	fmt.Println("nothing more", err)
	restart(js.Conn())
	state := must(jobs.Info(ctx)).State
	fmt.Println("left", state.Msgs, state.FirstSeq, state.LastSeq)
	info := must(worker.Info(ctx))
	fmt.Println("worker", info.NumPending, info.NumAckPending, info.AckFloor.Stream)
}

func consumers(ctx context.Context, js jetstream.JetStream) {
	events := must(js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:             "EVENTS",
		Subjects:         []string{"in.>"},
		Storage:          storage(),
		SubjectTransform: &jetstream.SubjectTransformConfig{Source: "in.>", Destination: "events.>"},
		RePublish:        &jetstream.RePublish{Source: "events.>", Destination: "seen.>"},
		AllowDirect:      true,
	}))
	seen := make(chan *nats.Msg, 100)
	sub := must(js.Conn().ChanSubscribe("seen.>", seen))
	for i := range 20 {
		must(js.PublishAsync(fmt.Sprintf("in.%c", 'a'+i%2), fmt.Appendf(nil, "%d", i)))
	}
	<-js.PublishAsyncComplete()
	last := (*nats.Msg)(nil)
	for range 20 {
		last = <-seen
	}
	fmt.Println("seen", last.Subject, last.Header.Get("Nats-Sequence"), last.Header.Get("Nats-Last-Sequence"))
	check(sub.Unsubscribe())
	restart(js.Conn())
	got := must(events.GetLastMsgForSubject(ctx, "events.a"))
	fmt.Println("last", got.Sequence, string(got.Data))
	filtered := must(events.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{FilterSubjects: []string{"events.b", "events.c"}}))
	done := make(chan struct{})
	count := 0
	consuming := must(filtered.Consume(func(msg jetstream.Msg) {
		check(msg.Ack())
		if count++; count == 10 {
			fmt.Println("consumed", count, string(msg.Data()), msg.Subject())
			close(done)
		}
	}, jetstream.PullMaxMessages(4)))
	<-done
	consuming.Stop()
	<-consuming.Closed()
	messages := must(must(events.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   18,
		AckPolicy:     jetstream.AckNonePolicy,
	})).Messages())
	for range 3 {
		msg := must(messages.Next())
		fmt.Println("message", msg.Subject(), string(msg.Data()))
	}
	messages.Stop()
	restart(js.Conn())
	names := 0
	for range events.ConsumerNames(ctx).Name() {
		names++
	}
	fmt.Println("consumers", names)
	check(events.Purge(ctx, jetstream.WithPurgeKeep(1)))
	check(js.DeleteStream(ctx, "EVENTS"))
	_, err := js.Stream(ctx, "EVENTS")
	fmt.Println("gone", errors.Is(err, jetstream.ErrStreamNotFound))
}

func keys(ctx context.Context, js jetstream.JetStream) {
	kv := must(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "settings", History: 3, TTL: time.Hour}))
	fmt.Println("put", must(kv.PutString(ctx, "color", "red")))
	restart(js.Conn())
	_, err := kv.Create(ctx, "color", nil)
	fmt.Println("create", errors.Is(err, jetstream.ErrKeyExists))
	fmt.Println("update", must(kv.Update(ctx, "color", []byte("blue"), 1)))
	entry := must(kv.Get(ctx, "color"))
	fmt.Println("get", string(entry.Value()), entry.Revision())
	check(kv.Delete(ctx, "color"))
	restart(js.Conn())
	_, err = kv.Get(ctx, "color")
	fmt.Println("deleted", errors.Is(err, jetstream.ErrKeyNotFound))
	fmt.Println("created", must(kv.Create(ctx, "color", []byte("green"))))
	check(kv.Purge(ctx, "color"))
	status := must(kv.Status(ctx))
	fmt.Println("status", status.Values(), status.History(), status.TTL())
}

func legacy(nc *nats.Conn) {
	js := must(nc.JetStream())
	must(js.AddStream(&nats.StreamConfig{Name: "OLD", Subjects: []string{"old"}, Storage: legacyStorage()}))
	sub := must(js.PullSubscribe("old", "puller"))
	must(js.Publish("old", []byte("one")))
	for _, msg := range must(sub.Fetch(1, nats.MaxWait(2*time.Second))) {
		fmt.Println("old", string(msg.Data))
		check(msg.AckSync())
	}
	restart(nc)
	info := must(js.ConsumerInfo("OLD", "puller"))
	fmt.Println("puller", info.NumPending, info.NumAckPending, info.AckFloor.Consumer)
}
