module example.com/authcluster-sample

go 1.19
