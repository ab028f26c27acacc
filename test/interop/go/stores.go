// Buckets, objects and ordered consumers by nats.go: prints a line for each thing that it has seen.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"sort"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func stores(url string) {
	nc := dial(url)
	defer nc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	js := must(jetstream.New(nc))
	bucket(ctx, js)
	objects(ctx, js)
	ordered(ctx, js)
}

func bucket(ctx context.Context, js jetstream.JetStream) {
	kv := must(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "users", History: 4, Storage: storage()}))
	for i := range 3 {
		fmt.Println("put", must(kv.PutString(ctx, "a.b", fmt.Sprint(i))))
	}
	fmt.Println("delete", kv.Delete(ctx, "a.b"))
	_, err := kv.Get(ctx, "a.b")
	fmt.Println("deleted", errors.Is(err, jetstream.ErrKeyNotFound))
	fmt.Println("create", must(kv.Create(ctx, "a.b", []byte("again"))))
	restart(js.Conn())
	_, err = kv.Create(ctx, "a.b", nil)
	fmt.Println("exists", errors.Is(err, jetstream.ErrKeyExists))
	_, err = kv.Update(ctx, "a.b", nil, 1)
	fmt.Println("update", err)
	for _, entry := range must(kv.History(ctx, "a.b")) {
		fmt.Println("history", entry.Revision(), entry.Operation(), string(entry.Value()), entry.Delta())
	}
	for i := range 10 {
		must(kv.PutString(ctx, fmt.Sprintf("k.%d", i), "v"))
	}
	check(kv.Purge(ctx, "k.3"))
	keys := must(kv.Keys(ctx))
	sort.Strings(keys)
	fmt.Println("keys", keys)
	some := []string{}
	lister := must(kv.ListKeysFiltered(ctx, "k.*"))
	for key := range lister.Keys() {
		some = append(some, key)
	}
	fmt.Println("some", len(some))
	watcher := must(kv.Watch(ctx, "k.>", jetstream.IgnoreDeletes()))
	initial := 0
	for entry := range watcher.Updates() {
		if entry == nil {
			break
		}
		initial++
	}
	restart(js.Conn())
	must(kv.PutString(ctx, "k.new", "x"))
	update := <-watcher.Updates()
	fmt.Println("watch", initial, update.Key(), string(update.Value()))
	check(watcher.Stop())
	updates := must(kv.WatchAll(ctx, jetstream.UpdatesOnly(), jetstream.MetaOnly()))
	must(kv.PutString(ctx, "only", "meta"))
	for entry := range updates.Updates() {
		if entry != nil {
			fmt.Println("only", entry.Key(), len(entry.Value()))
			break
		}
	}
	check(updates.Stop())
	check(kv.PurgeDeletes(ctx, jetstream.DeleteMarkersOlderThan(-1)))
	status := must(kv.Status(ctx))
	fmt.Println("status", status.Bucket(), status.Values(), status.History(), status.BackingStore())
	for name := range js.KeyValueStoreNames(ctx).Name() {
		fmt.Println("bucket", name)
	}
	check(js.DeleteKeyValue(ctx, "users"))
	_, err = js.KeyValue(ctx, "users")
	fmt.Println("gone", errors.Is(err, jetstream.ErrBucketNotFound))
}

func objects(ctx context.Context, js jetstream.JetStream) {
	store := must(js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "files", Storage: storage()}))
	data := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	info := must(store.Put(ctx, jetstream.ObjectMeta{Name: "big", Description: "many chunks"}, bytes.NewReader(data)))
	fmt.Println("put", info.Size, info.Chunks, info.Digest)
	restart(js.Conn())
	fmt.Println("get", bytes.Equal(must(store.GetBytes(ctx, "big")), data))
	must(store.PutString(ctx, "small", "text"))
	fmt.Println("string", must(store.GetString(ctx, "small")))
	must(store.AddLink(ctx, "link", info))
	fmt.Println("link", len(must(store.GetBytes(ctx, "link"))))
	check(store.UpdateMeta(ctx, "small", jetstream.ObjectMeta{Name: "tiny", Description: "renamed"}))
	names := []string{}
	for _, each := range must(store.List(ctx)) {
		names = append(names, fmt.Sprint(each.Name, " ", each.Size))
	}
	sort.Strings(names)
	fmt.Println("list", strings.Join(names, ", "))
	watcher := must(store.Watch(ctx))
	count := 0
	for each := range watcher.Updates() {
		if each == nil {
			break
		}
		count++
	}
	restart(js.Conn())
	check(store.Delete(ctx, "tiny"))
	gone := <-watcher.Updates()
	fmt.Println("watch", count, gone.Name, gone.Deleted)
	check(watcher.Stop())
	_, err := store.GetInfo(ctx, "tiny")
	fmt.Println("deleted", errors.Is(err, jetstream.ErrObjectNotFound))
	check(store.Seal(ctx))
	restart(js.Conn())
	_, err = store.PutString(ctx, "late", "x")
	fmt.Println("sealed", err, must(store.Status(ctx)).Sealed())
	check(js.DeleteObjectStore(ctx, "files"))
}

func ordered(ctx context.Context, js jetstream.JetStream) {
	stream := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "LOG", Subjects: []string{"log.*"}, Storage: storage()}))
	for i := range 500 {
		must(js.PublishAsync(fmt.Sprintf("log.%d", i%3), fmt.Appendf(nil, "%d", i)))
	}
	<-js.PublishAsyncComplete()
	consumer := must(stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"log.0", "log.1"}}))
	messages := must(consumer.Messages())
	count, last := 0, uint64(0)
	for last < 500 {
		meta := must(must(messages.Next()).Metadata())
		if count == 100 {
			// What it has made is taken away: it makes another and goes on where it was.
			check(stream.DeleteConsumer(ctx, consumer.CachedInfo().Name))
		}
		if meta.Sequence.Stream <= last {
			log.Fatal("out of order: ", meta.Sequence.Stream, " after ", last)
		}
		count, last = count+1, meta.Sequence.Stream
		if count == 200 {
			restart(js.Conn())
		}
	}
	messages.Stop()
	fmt.Println("pull", count, last)
	legacy := must(js.Conn().JetStream())
	sub := must(legacy.SubscribeSync("log.*", nats.OrderedConsumer()))
	fmt.Println("flow control", must(sub.ConsumerInfo()).Config.FlowControl)
	for i := range 500 {
		meta := must(must(sub.NextMsg(10 * time.Second)).Metadata())
		if meta.Sequence.Stream != uint64(i)+1 {
			log.Fatal("out of order: ", meta.Sequence.Stream, " after ", i)
		}
	}
	fmt.Println("push", "all in order")
	check(sub.Unsubscribe())
	check(js.DeleteStream(ctx, "LOG"))
}
